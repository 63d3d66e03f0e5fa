-- The portrait of `profiles` computed anew, beside what cdp-portrait told: `base`, `rows`, `quantiles`
-- and `rank` hold its rows as JSON.  Prints what differs, and at the end how much there was to compare.
create table line(j text);
create table told(j text);
create table member(id text);
.mode ascii
.separator "\037" "\n"
.import profiles line
.import told told
.import members member

create table p as select json_extract(j, '$.one_id') id, j from line;
-- Groups: those who have a level; members; the rich; those who like a fund.
create table g as
select id, 'base' grp from p where json_type(j, '$.tags.level') is not null and json_type(j, '$.tags.level') <> 'null'
union all select id, 'vip' from p where id in (select id from member)
union all select id, 'rich' from p where json_extract(j, '$.tags.aum') > 500
union all select p.id, 'fund' from p where exists (
  select 1 from json_each(p.j, '$.tags.likes') x where x.value = 'fund' and x.type = 'text');
create table size as select grp, count(*) n from g group by grp;

-- Values, lists by item; `n` for numbers.
create table v as
select p.id, t.key tag, case t.type when 'true' then 'true' when 'false' then 'false' when 'text' then '"' || t.value || '"'
    else printf('%.10g', t.value) end val, case when t.type in ('integer', 'real') then t.value end n
  from p, json_each(p.j, '$.tags') t where t.type not in ('null', 'array')
union all
select distinct p.id, t.key, '"' || i.value || '"', null
  from p, json_each(p.j, '$.tags') t, json_each(t.value) i where t.type = 'array'
union all
select p.id, t.key, '[]', null
  from p, json_each(p.j, '$.tags') t where t.type = 'array' and json_array_length(t.value) = 0;
create index v_tag on v(tag, id);
create index g_id on g(id, grp);
create table tag as select distinct tag, tag = 'likes' is_list, tag = 'aum' binned from v;

-- Bins: the base's values at the ranks k/5.
create table b as
select n, row_number() over (order by n) - 1 at, count(*) over () many
  from v join g using (id) where tag = 'aum' and grp = 'base';
create table edge as
select distinct n low from b where exists (
  select 1 from (select 1 k union select 2 union select 3 union select 4) where at = k * many / 5)
union select min(n) from v where tag = 'aum';

create table c(tag, kind, val, grp, n);
-- Rows of values: the 20 with the largest share of a group.
create table weight as
select tag, val, max(1.0 * k / size.n) w, row_number() over (partition by tag order by max(1.0 * k / size.n) desc, val) at
  from (select tag, val, grp, count(*) k from v join g using (id) group by tag, val, grp)
  join size using (grp) join tag using (tag) where not binned group by tag, val;
insert into c select tag, iif(at <= 20, 'value', 'other'), iif(at <= 20, val, 'null'), grp, count(*)
  from v join g using (id) join weight using (tag, val) group by 1, 2, 3, 4;
insert into c select 'aum', 'bin', (select max(low) from edge where low <= v.n), grp, count(*)
  from v join g using (id) where tag = 'aum' group by 1, 2, 3, 4;
insert into c select tag, 'missing', 'null', grp, count(*)
  from g, tag where not exists (select 1 from v where v.id = g.id and v.tag = tag.tag) group by 1, 2, 3, 4;

create table want as
select r.tag, r.kind, r.val, s.grp, ifnull(c.n, 0) n, s.n size, ifnull(bc.n, 0) base, bs.n base_size,
    is_list and r.kind = 'other' mentions
  from (select distinct tag, kind, val from c) r join tag using (tag) join size s join size bs on bs.grp = 'base'
  left join c on c.tag = r.tag and c.kind = r.kind and c.val = r.val and c.grp = s.grp
  left join c bc on bc.tag = r.tag and bc.kind = r.kind and bc.val = r.val and bc.grp = 'base';

create table got as
select j ->> 'tag' tag, j ->> 'kind' kind,
    iif(j ->> 'kind' = 'bin', 1.0 * substr(j ->> 'value', 2, instr(j ->> 'value', ',') - 2),
      iif(json_type(j, '$.value') in ('integer', 'real'), printf('%.10g', j ->> 'value'), j -> 'value')) val,
    j ->> 'audience' grp, j ->> 'count' n, j ->> 'share' share, j ->> 'low' low, j ->> 'high' high,
    j ->> 'base_share' base_share, j ->> 'difference' difference, j ->> 'tgi' tgi
  from told where j ->> 'result' = 'portrait';

.mode list
select 'not told', tag, kind, val, grp, n from (
  select tag, kind, val, grp, n from want where grp <> 'base' except select tag, kind, val, grp, n from got);
select 'told', tag, kind, val, grp, n from (
  select tag, kind, val, grp, n from got except select tag, kind, val, grp, n from want);
select 'shares', got.* from got join want w using (tag, kind, val, grp)
 where iif(mentions, share is not null or low is not null or base_share is not null or tgi is not null,
    abs(share - 1.0 * w.n / size) > 0.000051 or abs(base_share - 1.0 * base / base_size) > 0.000051
    or abs(difference - (1.0 * w.n / size - 1.0 * base / base_size)) > 0.000051
    or (base > 0) <> (tgi is not null) or abs(tgi - 100.0 * w.n / size / (1.0 * base / base_size)) > 0.051
    or share is null);
-- Wilson's interval: its ends are the p for which (share - p)^2 = z^2 p (1 - p) / n.
select 'interval', got.* from got join want w using (tag, kind, val, grp)
 where not mentions and (
    abs(pow(1.0 * w.n / size - low, 2) - 3.841459 * low * (1 - low) / size) > 0.0001
    or abs(pow(1.0 * w.n / size - high, 2) - 3.841459 * high * (1 - high) / size) > 0.0001
    or low > share or high < share);

-- Divergence: of all rows, or of the item of a list that tells most.
create table part as
select tag, grp, is_list, 1.0 * n / size p, 1.0 * base / base_size q from want join tag using (tag)
 where not mentions and grp <> 'base';
create table d as
select tag, grp, is_list, (iif(p > 0, p * log2(2 * p / (p + q)), 0) + iif(q > 0, q * log2(2 * q / (p + q)), 0)) / 2 one,
    (iif(p < 1, (1 - p) * log2(2 * (1 - p) / (2 - p - q)), 0) + iif(q < 1, (1 - q) * log2(2 * (1 - q) / (2 - p - q)), 0)) / 2 rest
  from part;
create table power as
select tag, grp, iif(is_list, max(one + rest), sum(one)) power from d group by tag, grp;
select 'power', w.tag, w.grp, w.power, j from power w
  left join told on j ->> 'result' = 'rank' and j ->> 'tag' = w.tag and j ->> 'audience' = w.grp
 where j is null or abs((j ->> 'power') - w.power) > 0.000001;
select 'order', a.j from told a join told b on a.j ->> 'audience' = b.j ->> 'audience' and a.j ->> 'rank' < b.j ->> 'rank'
 where a.j ->> 'result' = 'rank' and b.j ->> 'result' = 'rank' and a.j ->> 'power' < b.j ->> 'power';

-- Quartiles: the first value that a quarter of the customers have or stay below.
create table o as
select tag, grp, n, row_number() over (partition by tag, grp order by n) at, count(*) over (partition by tag, grp) many
  from v join g using (id) where tag in ('aum', 'level');
select 'quartiles', tag, grp, j from (
  select tag, grp, max(many) many, min(n) low, max(n) high, avg(n) mean,
      min(iif(at * 4 >= many, n, null)) q1, min(iif(at * 2 >= many, n, null)) q2, min(iif(at * 4 >= many * 3, n, null)) q3
    from o group by tag, grp)
  left join told on j ->> 'result' = 'quantiles' and j ->> 'tag' = tag and j ->> 'audience' = grp
 where j is null or j ->> 'count' <> many or j ->> 'min' <> low or j ->> 'max' <> high or j ->> 'p25' <> q1
    or j ->> 'median' <> q2 or j ->> 'p75' <> q3 or abs((j ->> 'mean') - mean) > 0.000002;
select 'sizes', grp, n, j from size left join told on j ->> 'result' = 'audience' and j ->> 'audience' = grp
 where j is null or j ->> 'customers' <> n;
select count(*) > 130, count(distinct tag), count(distinct grp), count(distinct kind), sum(n > 0) > 100 from got;
