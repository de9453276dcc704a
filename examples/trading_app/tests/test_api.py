import pytest

from tests.conftest import ORDER, QUOTE


def test_health_reports_a_query_and_a_ping(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"
    assert answer.json()["database"]["ok"] and answer.json()["redis"]["ok"]
    assert answer.json()["release"] == "r1"


def test_health_is_503_and_names_redis_when_redis_is_down(client, redis_server):
    redis_server.connected = False
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["database"]["ok"] and not answer.json()["redis"]["ok"]
    assert answer.json()["redis"]["error"]


def test_health_recovers_with_redis(client, redis_server):
    redis_server.connected = False
    client.get("/health")
    redis_server.connected = True
    assert client.get("/health").status_code == 200


def test_health_is_503_and_names_the_database_when_it_is_down(client, break_database):
    break_database("connection refused")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["database"]["error"] == "connection refused"


def test_version_names_the_release(client):
    answer = client.get("/version").json()
    assert (answer["release"], answer["version"], answer["environment"]) == ("r1", "1.4.2", "development")
    assert answer["started_at"] and answer["hostname"]


def test_a_new_order_is_created_and_found_again(client):
    created = client.post("/orders", json=ORDER)
    assert created.status_code == 201
    assert created.json()["price"] == "64000.1" and created.json()["status"] == "accepted"
    assert client.get(f"/orders/{created.json()['id']}").json() == created.json()


def test_the_same_client_order_id_returns_the_existing_order(client):
    first = client.post("/orders", json=ORDER)
    second = client.post("/orders", json={**ORDER, "price": 1})
    assert (second.status_code, second.json()) == (200, first.json())
    assert len(client.get("/orders").json()) == 1


def test_orders_are_listed_newest_first_up_to_the_limit(client):
    placed = [client.post("/orders", json={**ORDER, "client_order_id": f"c-{n}"}).json() for n in range(3)]
    assert client.get("/orders?limit=2").json() == [placed[2], placed[1]]


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"side": "hold"}, "side", "should be buy or sell"),
        ({"quantity": 0}, "quantity", "should be above 0 and at most 1000000000000"),
        ({"price": "NaN"}, "price", "should be above 0 and at most 1000000000000"),
        ({"price": "0.000000001"}, "price", "should have at most 8 decimals"),
        ({"price": True}, "price", "should be a number"),
        ({"symbol": "btc usd"}, "symbol", "should be 1 to 20 of A-Z 0-9 . _ -"),
        ({"leverage": 10}, "leverage", "unknown field"),
    ],
)
def test_a_bad_order_is_refused_with_its_reason(client, change, field, reason):
    answer = client.post("/orders", json={**ORDER, **change})
    assert (answer.status_code, answer.json()) == (422, {"errors": {field: reason}})


def test_all_missing_fields_are_named_at_once(client):
    answer = client.post("/orders", json={"symbol": "BTC-USD"})
    assert sorted(answer.json()["errors"]) == ["client_order_id", "price", "quantity", "side"]


def test_a_body_that_is_not_json_is_refused(client):
    assert client.post("/orders", content=b"{").json() == {"errors": {"body": "should be a JSON object"}}


@pytest.mark.parametrize("path", ["/orders?limit=0", "/orders?limit=x", "/slow?seconds=nan", "/slow?seconds=-1"])
def test_a_bad_parameter_is_refused(client, path):
    assert client.get(path).status_code == 422


@pytest.mark.parametrize("path", ["/orders/00000000-0000-0000-0000-000000000000", "/orders/x", "/quotes/BTC-USD"])
def test_what_does_not_exist_is_404(client, path):
    assert client.get(path).status_code == 404


def test_orders_are_503_while_the_database_is_down(client, break_database):
    break_database("connection refused")
    answer = client.post("/orders", json=ORDER)
    assert (answer.status_code, answer.json()) == (503, {"error": "database unavailable: connection refused"})


def test_a_quote_is_stored(client):
    stored = client.put("/quotes/BTC-USD", json=QUOTE)
    assert (stored.status_code, stored.json()["bid"], stored.json()["ask"]) == (200, "63999.5", "64000")
    assert client.get("/quotes/BTC-USD").json() == stored.json()


def test_a_crossed_quote_is_refused(client):
    answer = client.put("/quotes/BTC-USD", json={"bid": 2, "ask": 1})
    assert answer.json() == {"errors": {"ask": "should not be below the bid"}}


def test_a_slow_request_is_answered_in_its_time(client):
    assert client.get("/slow?seconds=0.01").json() == {"slept_seconds": 0.01, "release": "r1"}
