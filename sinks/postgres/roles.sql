-- Least privilege, for deployments with more than one login: run once per database after `migrate`, by its owner.
-- A login then gets its rights by `grant pp_worker to …`. Several hundred workers go through a pooler in transaction mode.
do $$
declare wanted text;
begin
  foreach wanted in array array['pp_worker', 'pp_effects', 'pp_reader', 'pp_operator'] loop
    begin
      execute format('create role %I nologin', wanted);
    exception when duplicate_object or unique_violation then
      null; -- roles belong to the cluster: another database, or a process beside us, made it
    end;
  end loop;
end $$;

-- Whoever looks: the status page, the astronomer.
grant usage on schema repository to pp_reader, pp_effects;
grant select on all tables in schema public, repository to pp_reader;

-- A worker reads history and leases; it cannot write the APDB, end a unit, or touch what dispatch decided.
grant select on "DiaObject", "DiaSource", "DiaForcedSource", unit to pp_worker;
grant update (work, epoch, tries, worker, lease_until, not_before, leased_at, reported_at, reason, detail,
  preload_worker, preload_until) on unit to pp_worker;

-- dispatch, associate, publish, the sweeper and repo-sync. Rows of the APDB are inserted and closed, never rewritten or deleted;
-- what is registered stays as it is.
grant select on all tables in schema public, repository to pp_effects;
grant insert on repository.run, repository.dimension_record, repository.dataset to pp_effects;
grant update (since) on repository.run to pp_effects;
grant insert on "DiaObject", "DiaSource", "DiaForcedSource", "SSSource", "mpc_orbits", dia_source_provenance, unit, outbox to pp_effects;
grant update ("validityEndMjdTai") on "DiaObject" to pp_effects;
grant update on unit, outbox, ledger_pulse to pp_effects;
-- Months of the source tables are made as time goes on. Detaching one is the owner's.
grant execute on function apdb_add_month to pp_effects;
grant update (state, detail, sent_at) on alert_order_unit to pp_effects;

-- Whoever orders alerts to be sent again or retracted (`pp alerts`), and nobody else: withdraws sources, once.
grant select on all tables in schema public, repository to pp_operator;
grant insert on alert_order, alert_order_unit to pp_operator;
grant update (noted_at) on alert_order to pp_operator;
grant update (state) on alert_order_unit to pp_operator;
grant update ("timeWithdrawnMjdTai") on "DiaSource" to pp_operator;
