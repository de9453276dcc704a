-- The way back of ../0002_order_status.sql. What the orders had as status is lost.
drop index orders_newest;
alter table orders drop column status;
