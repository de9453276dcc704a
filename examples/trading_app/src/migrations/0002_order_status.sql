-- Only adds, with a default: the previous release goes on working on this schema.
alter table orders add column status text not null default 'accepted';
create index orders_newest on orders (created_at desc, id);
