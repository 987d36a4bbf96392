-- For whoever looks at the ledger: a night is a range of deadlines, a visit is asked for by its group alone, and what was deferred to the
-- day is found without reading the nights that went well.
create index unit_deadline on unit (deadline);
create index unit_group on unit (group_id);
create index unit_deferred on unit (deadline) where work = 'deferred';
