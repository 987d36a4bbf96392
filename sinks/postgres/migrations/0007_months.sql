-- The source tables by month of the visit's day of observation. Rubin's keys stay as they are, because both hold the day: it is
-- the high part of a DiaSource's id, and of a visit. What belongs to no month that is there (no partition was made, or an id of
-- another release than production's) lies in the default partition, so no row is ever refused for its time.

-- Bounds of a day in production's ids (release 1 of 6 bits, then 1 bit of view, 14 of day since 2010, 23 of sequence number and
-- detector, 19 of counter) and in visits (YYYYMMDDnnnnn).
create function apdb_first_source_id(day date) returns bigint immutable language sql as $$
  select (1::bigint << 57) + ((day - date '2010-01-01')::bigint << 42)
$$;
create function apdb_first_visit(day date) returns bigint immutable language sql as $$
  select to_char(day, 'YYYYMMDD')::bigint * 100000
$$;

-- The inverse, to the month; null for what belongs to none.
create function apdb_month_of_source(id bigint) returns date immutable language sql as $$
  select case when id >> 56 = 2 then date_trunc('month', date '2010-01-01' + ((id >> 42) & 16383)::integer)::date end
$$;
create function apdb_month_of_visit(visit bigint) returns date immutable language sql as $$
  select case when visit between 2010010100000 and 2054111099999 and visit / 10000000 % 100 between 1 and 12
    then to_date((visit / 10000000)::text, 'YYYYMM') end
$$;

-- What is divided, by which column and between which bounds in a month, in the order in which a commit touches it: who locks all of
-- them in this order waits for nobody who waits for him.
create function apdb_bounds(month date)
returns table (parent text, key text, low bigint, high bigint) immutable language sql as $$
  with span as (
    select date_trunc('month', month)::date as first, (date_trunc('month', month) + interval '1 month')::date as next)
  select 'DiaSource', 'diaSourceId', apdb_first_source_id(first), apdb_first_source_id(next) from span
  union all
  select 'DiaForcedSource', 'visit', apdb_first_visit(first), apdb_first_visit(next) from span
  union all
  select 'dia_source_provenance', 'dia_source_id', apdb_first_source_id(first), apdb_first_source_id(next) from span
$$;

-- Makes a month, or attaches one that was detached; does nothing if it is there. Rows of the month that wait in the default
-- partition move into it, during which nobody reads or writes that partition; without `may_move` they are an error instead.
-- Gives back how many rows moved. With its owner's rights: whoever runs the nights may make months, and cannot drop anything.
create function apdb_add_month(month date, may_move boolean default false) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  bound record;
  leaf text;
  is_waiting boolean;
  n bigint;
  moved bigint := 0;
begin
  perform pg_advisory_xact_lock(hashtext('apdb_add_month'));
  if not exists (
    select from apdb_bounds(month)
    where not exists (select from pg_inherits where inhparent = to_regclass(quote_ident(parent))
      and inhrelid = to_regclass(quote_ident(parent || to_char(month, '_YYYYMM')))))
  then
    return 0;
  end if;
  for bound in select * from apdb_bounds(month) where not may_move loop
    execute format('select exists (select from %1$I where %2$I >= %3$s and %2$I < %4$s)',
      bound.parent || '_default', bound.key, bound.low, bound.high) into is_waiting;
    if is_waiting then
      raise exception 'rows of % wait in the default partition of %', to_char(month, 'YYYY-MM'), bound.parent
        using errcode = 'object_not_in_prerequisite_state';
    end if;
  end loop;
  lock table "DiaSource_default", "DiaForcedSource_default", dia_source_provenance_default in access exclusive mode;
  for bound in select * from apdb_bounds(month) loop
    leaf := bound.parent || to_char(month, '_YYYYMM');
    continue when exists (select from pg_inherits where inhparent = to_regclass(quote_ident(bound.parent))
      and inhrelid = to_regclass(quote_ident(leaf)));
    -- The check says what the bounds say; a month that comes back is attached without being read for it.
    execute format('create table if not exists %1$I (like %2$I including all, constraint month check (%3$I >= %4$s and %3$I < %5$s))',
      leaf, bound.parent, bound.key, bound.low, bound.high);
    execute format('with gone as (delete from %1$I where %2$I >= %3$s and %2$I < %4$s returning *) insert into %5$I select * from gone',
      bound.parent || '_default', bound.key, bound.low, bound.high, leaf);
    get diagnostics n = row_count;
    moved := moved + n;
    execute format('alter table %I attach partition %I for values from (%s) to (%s)', bound.parent, leaf, bound.low, bound.high);
  end loop;
  return moved;
end $$;
revoke execute on function apdb_add_month from public;

-- Provenance goes with its sources, so it is divided like them. A key into a divided table would be read through at every detach;
-- both rows are written by one transaction, from one list.
alter table dia_source_provenance drop constraint dia_source_provenance_dia_source_id_fkey;

-- The tables that there are become the default partitions, under new names; the divided ones take their names, indexes and rights.
do $$
declare
  bound record;
  part record;
begin
  for bound in select * from apdb_bounds(date '2010-01-01') loop
    execute format('alter table %I rename to %I', bound.parent, bound.parent || '_default');
    for part in
      select indexrelid::regclass as index, relname from pg_index join pg_class on oid = indexrelid
      where indrelid = to_regclass(quote_ident(bound.parent || '_default'))
    loop
      execute format('alter index %s rename to %I', part.index,
        bound.parent || '_default' || substr(part.relname, length(bound.parent) + 1));
    end loop;
    execute format('create table %I (like %I including all) partition by range (%I)',
      bound.parent, bound.parent || '_default', bound.key);
    execute format('alter table %I attach partition %I default', bound.parent, bound.parent || '_default');
    for part in
      select privilege_type as right, case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as who
      from pg_class, aclexplode(relacl)
      where oid = to_regclass(quote_ident(bound.parent || '_default')) and grantee <> relowner
    loop
      execute format('grant %s on %I to %s', part.right, bound.parent, part.who);
    end loop;
  end loop;
end $$;

-- How many rows of which month wait in the default partitions; a month of null belongs to none.
create view apdb_waiting as
  select 'DiaSource' as parent, apdb_month_of_source("diaSourceId") as month, count(*) as rows
  from "DiaSource_default" group by 2
  union all
  select 'DiaForcedSource', apdb_month_of_visit("visit"), count(*) from "DiaForcedSource_default" group by 2
  union all
  select 'dia_source_provenance', apdb_month_of_source(dia_source_id), count(*)
  from dia_source_provenance_default group by 2;

-- Rows that there are already move into their months.
select apdb_add_month(month, true) from (select distinct month from apdb_waiting where month is not null) as known;

-- Objects that lie near each other in Rubin's catalogues of static sources. Nothing here writes it; its readers expect it.
create table "DiaObject_To_Object_Match" (
  "diaObjectId" bigint not null,
  "objectId" bigint not null,
  "dist" real,
  "lnP" real
);
create index "DiaObject_To_Object_Match_diaObjectId" on "DiaObject_To_Object_Match" ("diaObjectId");
create index "DiaObject_To_Object_Match_objectId" on "DiaObject_To_Object_Match" ("objectId");
