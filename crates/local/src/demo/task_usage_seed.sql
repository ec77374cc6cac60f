-- Who there is in the demo of task_usage. Some issues belong to no project, and some to another workspace than the agent
-- that works on them.
insert into workspace (id, name, created_at) values
    ('acme', 'Acme', '2025-01-07 09:00+00'), ('globex', 'Globex', '2025-03-18 08:00+00'), ('initech', 'Initech', '2025-09-02 13:00+00');
insert into agent_runtime (id, workspace_id, name) values
    ('berlin-1', 'acme', 'Berlin 1'), ('berlin-2', 'acme', 'Berlin 2'), ('virginia', 'globex', 'Virginia'),
    ('laptop-ana', 'acme', 'Ana''s laptop'), ('singapore', 'initech', 'Singapore');
insert into agent (id, workspace_id, name) values
    ('reviewer', 'acme', 'Reviewer'), ('tester', 'acme', 'Tester'), ('docs', 'acme', 'Docs'), ('refactor', 'acme', 'Refactor'),
    ('oncall', 'globex', 'On call'), ('migrator', 'globex', 'Migrator'), ('triage', 'globex', 'Triage'),
    ('research', 'initech', 'Research'), ('release', 'initech', 'Release');
insert into project (id, workspace_id, title) values
    ('billing', 'acme', 'Billing'), ('mobile', 'acme', 'Mobile'), ('website', 'acme', 'Website'),
    ('platform', 'globex', 'Platform'), ('data', 'initech', 'Data');
insert into issue (id, workspace_id, project_id, title)
select i, (array['acme', 'acme', 'globex', 'initech'])[1 + i % 4],
       (array['billing', 'mobile', 'platform', 'data', 'website', null, 'platform', null])[1 + i % 8],
       'Issue ' || i
from generate_series(1, 400) i;
