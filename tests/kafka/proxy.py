"""A TCP proxy between clients and a broker, whose connections are reset when a test says so."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

_CHUNK = 65536
_LINGER = struct.pack("ii", 1, 0)  # close with RST


class Proxy:
    """Listens on `port`; carries to `target` once that is set."""

    def __init__(self) -> None:
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.port = int(self._bound.getsockname()[1])
        self.target = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self._thread.start()
        listening = asyncio.start_server(self._connected, sock=self._bound)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)

    def reset(self) -> int:
        """Reset every connection. Returns how many there were."""

        async def cut() -> int:
            found = list(self._open)
            for writer in found:
                bound = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
                writer.transport.abort()
            return len(found)

        return asyncio.run_coroutine_threadsafe(cut(), self._loop).result(10)

    def stop(self) -> None:
        """Reset everything and end."""
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, further = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, further}
        await asyncio.gather(_carried(reader, further), _carried(behind, writer))
        self._open -= {writer, further}


async def _carried(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
    sink.close()


@contextlib.contextmanager
def proxy() -> Iterator[Proxy]:
    """A running proxy."""
    made = Proxy()
    made.start()
    try:
        yield made
    finally:
        made.stop()
