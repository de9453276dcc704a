"""A TCP relay that puts a fixed delay each way between a caller and a port: a server far away, on one machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType

CHUNK_BYTES = 64 * 1024
QUEUE_CHUNKS = 1024


class Relay:
    """Listens on a free port of 127.0.0.1 while its `with` block runs and passes bytes on to `target_port`.

    Every chunk arrives `delay_seconds` after it was read, in order; chunks travel side by side, so that the delay does
    not limit throughput. The end of a stream is delayed like its bytes."""

    def __init__(self, target_port: int, delay_seconds: float = 0.0, target_address: str = "127.0.0.1") -> None:
        self.port = 0
        self._target = (target_address, target_port)
        self._delay_seconds = delay_seconds
        self._is_frozen = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Relay:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def freeze(self) -> None:
        """Swallow all bytes both ways from now on, connections stay open: a host that went silent."""
        self._is_frozen = True

    def thaw(self) -> None:
        """Pass bytes on again; what was swallowed is lost."""
        self._is_frozen = False

    def close_connections(self) -> None:
        """Cut every open connection at once; new ones are accepted."""
        self._in_loop(self._abort_all)

    def _in_loop(self, action: Callable[[], None]) -> None:
        async def act() -> None:
            action()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server:
            self._server.close()
        self._abort_all()
        current = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not current]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _abort_all(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _connected(self, caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        self._writers.add(to_caller)
        try:
            target, to_target = await asyncio.open_connection(*self._target)
        except OSError:
            self._drop(to_caller)
            return
        self._writers.add(to_target)
        try:
            await asyncio.gather(self._pass_on(caller, to_target), self._pass_on(target, to_caller))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._drop(to_caller)
            self._drop(to_target)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        travelling: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUE_CHUNKS)
        await asyncio.gather(self._depart(reader, travelling), self._arrive(travelling, writer))

    async def _depart(self, reader: asyncio.StreamReader, travelling: asyncio.Queue[tuple[float, bytes]]) -> None:
        chunk = b"-"
        while chunk:
            chunk = await reader.read(CHUNK_BYTES)
            if not self._is_frozen:
                await travelling.put((self._loop.time() + self._delay_seconds, chunk))

    async def _arrive(self, travelling: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        chunk = b"-"
        while chunk:
            due, chunk = await travelling.get()
            await asyncio.sleep(due - self._loop.time())
            if not self._is_frozen:
                await self._write(writer, chunk)

    async def _write(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        if chunk:
            writer.write(chunk)
            await writer.drain()
        elif writer.can_write_eof():
            writer.write_eof()
