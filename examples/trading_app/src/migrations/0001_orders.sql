-- Both PostgreSQL and SQLite read this file.
create table orders (
    id text primary key,
    client_order_id text not null unique,
    symbol text not null,
    side text not null check (side in ('buy', 'sell')),
    quantity numeric not null check (quantity > 0),
    price numeric not null check (price > 0),
    created_at timestamp with time zone not null
);
