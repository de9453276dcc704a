import pytest
from starlette.websockets import WebSocketDisconnect

from tests.conftest import QUOTE


def test_a_stream_greets_with_the_release_then_sends_quotes(client):
    with client.websocket_connect("/stream") as stream:
        assert stream.receive_json() == {"type": "hello", "release": "r1", "live": True}
        client.put("/quotes/BTC-USD", json=QUOTE)
        quote = stream.receive_json()
    assert (quote["type"], quote["symbol"], quote["bid"]) == ("quote", "BTC-USD", "63999.5")


def test_every_stream_gets_every_quote(client):
    with client.websocket_connect("/stream") as one, client.websocket_connect("/stream") as two:
        one.receive_json(), two.receive_json()
        client.put("/quotes/ETH-USD", json=QUOTE)
        assert one.receive_json() == two.receive_json()


def test_a_stopping_server_ends_streams_as_going_away(client):
    with client.websocket_connect("/stream") as stream:
        stream.receive_json()
        client.portal.call(client.app.state.services.feed.close)
        with pytest.raises(WebSocketDisconnect) as ended:
            stream.receive_json()
    assert ended.value.code == 1001


def test_a_stream_opened_while_stopping_ends_at_once(client):
    client.portal.call(client.app.state.services.feed.close)
    with client.websocket_connect("/stream") as stream:
        stream.receive_json()
        with pytest.raises(WebSocketDisconnect):
            stream.receive_json()
