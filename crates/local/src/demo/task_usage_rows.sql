-- Writes the tasks that begin in [$1, $2), and the usage that is reported in it. Every number comes from the task's own,
-- which counts 64 places an hour since 1970, so that any two stretches fit together.
with place as (
    select h * 64 + k as id,
           timestamptz '1970-01-01 00:00+00' + interval '1 hour' * (h + tidemark_demo.dice(h * 64 + k, 1)) as starts,
           h
    from generate_series(floor(extract(epoch from $1::timestamptz) / 3600)::bigint - 3,
                         floor(extract(epoch from $2::timestamptz) / 3600)::bigint) as h,
         generate_series(0, 63) as k
), task as materialized (
    -- Busy from eight to eight, quiet at night and on the weekend; the days since 1970 count from a Thursday.
    select p.id, p.starts, power(tidemark_demo.dice(p.id, 3), 1.5) as who
    from place p
    where tidemark_demo.dice(p.id, 2) <
          (0.25 + 0.75 * power(0.5 - 0.5 * cos(2 * pi() * (p.h % 24 - 2) / 24), 1.5))
          * case when (p.h / 24 + 3) % 7 >= 5 then 0.35 else 1 end
          * (1 + 0.15 * sin(p.h / 190.0))
), fresh as (
    insert into agent_task_queue (id, agent_id, runtime_id, issue_id, status, created_at)
    select id,
           (array['reviewer', 'tester', 'triage', 'refactor', 'docs', 'oncall', 'migrator', 'research', 'release'])[1 + floor(who * 9)::int],
           (array['berlin-1', 'berlin-1', 'virginia', 'berlin-2', 'laptop-ana', 'virginia', 'virginia', 'singapore', 'singapore'])[1 + floor(who * 9)::int],
           case when tidemark_demo.dice(id, 4) < 0.8 then 1 + floor(400 * power(tidemark_demo.dice(id, 5), 2))::bigint end,
           'completed', starts
    from task
    where starts >= $1 and starts < $2
    returning id
), known as materialized (
    select id from fresh
    union all
    select q.id from agent_task_queue q where q.id in (select id from task) and q.created_at < $1
), report as (
    -- Its main model, a small one beside it, and now and then a second opinion: each reports once, up to two hours later.
    select t.id, t.who, n, t.starts + interval '1 minute' * (1 + 119 * power(tidemark_demo.dice(t.id, 10 + n), 3)) as at,
           exp(2.2 * tidemark_demo.dice(t.id, 20 + n) + 1.8 * tidemark_demo.dice(t.id, 30 + n)) as size
    from task t join known using (id), generate_series(1, 4) as n
    where tidemark_demo.dice(t.id, 40 + n) < (array[1, 0.9, 0.6, 0.35])[n]
)
insert into task_usage (task_id, provider, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, created_at, updated_at)
select id,
       (array[case when who > 0.75 then 'openai' else 'anthropic' end, 'anthropic', 'openai', 'google'])[n],
       (array[case when who > 0.75 then 'gpt-5.1' when who > 0.3 then 'claude-sonnet-4-5' else 'claude-opus-4-5' end,
              'claude-haiku-4-5', 'gpt-5.1-mini', 'gemini-3-pro'])[n],
       floor(900 * size), floor(260 * size), floor(14000 * size * tidemark_demo.dice(id, 50 + n)), floor(1200 * size * tidemark_demo.dice(id, 60 + n)),
       at,
       -- Rows from before there were corrections have no updated_at.
       case when at >= now() - interval '60 days' then at end
from report
where at >= $1 and at < $2
on conflict do nothing
