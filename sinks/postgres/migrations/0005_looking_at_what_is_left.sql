-- Also found without reading the nights that went well: what failed, and units of groups that were cancelled and have not ended.
create index unit_failed on unit (deadline) where work = 'failed';
create index unit_withdrawn on unit (deadline) where inputs = 'announced' and withdrawn;
