-- Which lease's report was committed: a success of an older lease may be, so `epoch`, which the next lease raises, does not say it.
-- Together with the commit's time it finds, and puts in order, what a rebuilt APDB is made from.
alter table unit add column committed_epoch integer;
alter table outbox add column committed_epoch integer;
