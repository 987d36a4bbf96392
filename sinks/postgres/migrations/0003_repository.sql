-- The registry of the central repository, written by repo-sync alone: what lies in the object store, in the terms in which
-- astronomers look for it. A schema of its own: it holds nothing that the ledger or the APDB needs, and may move away.
create schema repository;

create table repository.run (
  name text primary key,                      -- instrument/prompt/output-day/pipeline/deployment
  chain text not null,                        -- instrument/prompt/output-day
  since timestamptz not null,                 -- the earliest commit of a unit in it
  registered_at timestamptz not null default clock_timestamp()
);
create index run_of_chain on repository.run (chain);

-- The members of each chain, newest first: a new run goes in front, the others keep their order. Derived from the data alone,
-- so that neither the order of registration nor a second one can change it, and nobody locks a chain.
create view repository.chain_member as
  select chain, row_number() over (partition by chain order by since desc, name) as position, name as run, since
  from repository.run;

-- Facts about observations that many datasets share, one row each; the first that came stays.
create table repository.dimension_record (
  element text not null
    check (element in ('instrument', 'detector', 'day_obs', 'group', 'exposure', 'visit', 'visit_definition')),
  instrument text not null,
  id text not null,                           -- within instrument and element; of a member of a visit: visit/exposure
  record jsonb not null,
  primary key (element, instrument, id)
);

create table repository.dataset (
  id uuid primary key,                        -- version 5, of dataset type, run and data id
  type text not null,
  run text not null references repository.run (name),
  data_id jsonb not null,
  bucket text not null,
  key text not null,
  size bigint not null,
  sha256 text not null,
  unit text not null,
  group_id text not null,
  attempt bigint not null,
  registered_at timestamptz not null default clock_timestamp()
);
create index dataset_of_run on repository.dataset (run);
create index dataset_of_group on repository.dataset (group_id);
