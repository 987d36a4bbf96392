-- What was sent of a unit, kept when its entry in alerts-ledger is gone: the same unit packed again must give the same bytes.
alter table outbox
  add column alerts integer,                  -- how many
  add column alert_bytes bigint,              -- of all of them, framed
  add column alerts_digest text;              -- SHA-256 over their bytes in order, hex
create index outbox_visit on outbox (visit) where terminal = 'published';
create index outbox_group on outbox (group_id) where terminal = 'published';
create index outbox_deadline on outbox (deadline) where terminal = 'published';

-- What operators have ordered of alerts that are out: to be sent again, or to be called back. publish carries it out.
create table alert_order (
  id text primary key,                        -- digest of the plan: the same order given twice is one
  kind text not null check (kind in ('resend', 'retract')),
  ordered_by text not null,
  reason text not null,
  ordered_at timestamptz not null default clock_timestamp(),
  noted_at timestamptz                        -- its record is on the topic audit
);

-- The part of one unit, told in one transaction on Kafka. `ordered`: its sources are still to be withdrawn; publish takes what is `pending`.
create table alert_order_unit (
  order_id text not null references alert_order (id),
  unit text not null,
  attempt bigint not null,
  shard integer not null,
  sources bigint[] not null,
  state text not null check (state in ('ordered', 'pending', 'sent', 'refused')),
  detail text,                                -- why it was refused
  sent_at timestamptz,
  primary key (order_id, unit, attempt),
  foreign key (unit, attempt) references outbox (unit, attempt)
);
create index alert_order_unit_of_unit on alert_order_unit (unit, attempt);
create index alert_order_unit_pending on alert_order_unit (shard) where state = 'pending';
