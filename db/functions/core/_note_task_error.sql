-- Operators look here for errors that a sweep or a claim set aside.
create function drip._note_task_error(p_task text, p_error text) returns void
language sql volatile
as $$
  insert into drip.task_runs as t (name, last_run_at, last_error, last_error_at)
  values (p_task, drip.now(), left(p_error, 1000), drip.now())
  on conflict (name) do update
  set last_error = excluded.last_error, last_error_at = excluded.last_error_at
$$;
comment on function drip._note_task_error(text, text) is
  'Records an error of a task in task_runs.';
