-- The ledger: one row per unit of work, for ever. `inputs` is written by dispatch alone; `work` by workers, the sweeper,
-- associate and publish. Times are timestamptz; `attempt` is 0 for live work, else the replay's id (ms UTC).
create table unit (
  key text primary key,                       -- instrument/group/detector
  instrument text not null,
  group_id text not null,
  detector integer not null,

  attempt bigint not null,
  decision integer not null,                  -- number of the decision applied last, within the attempt
  inputs text not null check (inputs in ('announced', 'ready', 'missed', 'cancelled', 'ignored')),
  completeness text check (completeness in ('complete', 'partial')),
  withdrawn boolean not null default false,   -- the observatory cancelled the group; a raw in time still beats it
  work text not null default 'idle'
    check (work in ('idle', 'leased', 'reported', 'committed', 'published', 'failed', 'expired', 'deferred')),
  reason text,                                -- code, where it did not go well
  detail text,                                -- a sentence for the operator
  protected_from bigint,                      -- the latest attempt that was turned away because the unit is committed

  epoch integer not null default 0,           -- raised by every lease, never set back
  tries integer not null default 0,           -- leases of this attempt
  worker text,
  lease_until timestamptz,                    -- while leased: of the lease; while reported: of the patience with associate
  not_before timestamptz not null default '-infinity',
  preload_worker text,                        -- advisory: who warms up for it
  preload_until timestamptz,

  announcement jsonb not null,
  pipelines jsonb not null,
  raws jsonb not null,
  deadline timestamptz not null,

  decided_at timestamptz not null,            -- what caused the decision entered the system; the report inherits it
  announced_at timestamptz,                   -- the announcement entered the system
  last_raw_at timestamptz,                    -- the last raw that counts entered the system
  ready_at timestamptz,                       -- leasable
  leased_at timestamptz,
  reported_at timestamptz,
  terminal_at timestamptz,                    -- how this attempt ended was committed, together with its outbox row
  published_at timestamptz,

  visit bigint,
  exposures bigint[] not null default '{}',
  pipeline text,
  products jsonb not null default '[]',
  dia_sources integer not null default 0,
  dia_objects integer not null default 0,
  dropped jsonb not null default '[]',        -- detections that were not stored, and why
  unmeasured integer not null default 0,      -- objects that deserved forced photometry and have none
  committed_at_mjd_tai double precision,      -- validity start of what it wrote; its alerts are packed as of then

  check (completeness is not null or inputs <> 'ready'),
  check ((committed_at_mjd_tai is not null) = (work in ('committed', 'published'))),
  check (lease_until is not null or work not in ('leased', 'reported'))
);
create index unit_visit on unit (instrument, group_id);
create index unit_ready on unit (deadline desc) where inputs = 'ready' and work = 'idle';
create index unit_announced on unit (deadline) where inputs = 'announced' and not withdrawn;
create index unit_held on unit (lease_until) where work in ('leased', 'reported');

-- How every attempt ended, to be told by publish: self-contained, because a replay rewrites the unit's row.
create table outbox (
  unit text not null references unit (key),
  attempt bigint not null,
  shard integer not null,
  state text not null default 'pending' check (state in ('pending', 'sent')),
  terminal text not null
    check (terminal in ('published', 'missed', 'cancelled', 'ignored', 'failed', 'expired', 'deferred')),
  instrument text not null,
  group_id text not null,
  detector integer not null,
  completeness text,
  reason text,
  detail text,
  visit bigint,
  exposures bigint[] not null,
  pipeline text,
  products jsonb not null,
  dia_sources integer not null,
  dia_objects integer not null,
  deadline timestamptz not null,
  announced_at timestamptz,
  last_raw_at timestamptz,
  ready_at timestamptz,
  leased_at timestamptz,
  reported_at timestamptz,
  terminal_at timestamptz not null,
  committed_at_mjd_tai double precision,
  sent_at timestamptz,
  primary key (unit, attempt)
);
-- Read by shard, never by a cursor over ids or times: commits overtake each other.
create index outbox_pending on outbox (shard, terminal_at) where state = 'pending';

-- Fixed for the life of the outbox: the shards are the tasks of publish, and their ledger topic has as many partitions.
create table outbox_shards (count integer not null check (count > 0));
create unique index outbox_shards_one_row on outbox_shards ((true));
insert into outbox_shards values (6);

-- The sweeper's pulse: after a gap in it, everyone who held a lease gets a full one before anything is taken away.
create table ledger_pulse (beat timestamptz not null, live_since timestamptz not null);
create unique index ledger_pulse_one_row on ledger_pulse ((true));
insert into ledger_pulse values ('-infinity', '-infinity');

/* Hints, so that nobody need poll fast. They may be lost: whoever listens polls as well. */
create function hint() returns trigger language plpgsql as $$
begin
  perform pg_notify(tg_argv[0], '');
  return null;
end $$;
create trigger unit_ready_insert after insert on unit
  for each row when (new.inputs = 'ready' and new.work = 'idle') execute function hint('unit_ready');
create trigger unit_ready_update after update on unit
  for each row when (new.inputs = 'ready' and new.work = 'idle') execute function hint('unit_ready');
create trigger outbox_insert after insert on outbox for each statement execute function hint('outbox');

-- A stable hash, the same in every version of the database: the first 32 bits of the md5 of the unit's key.
create function shard_of(unit text) returns integer stable language sql as $$
  select (('x' || substr(md5(unit), 1, 8))::bit(32)::bigint % count)::integer from outbox_shards
$$;
