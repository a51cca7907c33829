"""A tap on the line: passes bytes between the service and a far end, and keeps every byte that left."""

import contextlib
import socket
import threading


class Tap:
    """Listens in front of one far end after another; `left` is everything the service sent to any of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: list[bytes] = []
        self._listeners: list[socket.socket] = []

    @property
    def left(self) -> bytes:
        """Every byte that left, of all connections."""
        with self._lock:
            return b"".join(self._sent)

    def before(self, port: int) -> int:
        """A port that leads to `port`."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)
        threading.Thread(target=self._listen, args=(listener, port), daemon=True).start()
        return int(listener.getsockname()[1])

    def close(self) -> None:
        """Take no more connections."""
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _listen(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, kept: bool) -> None:
        with contextlib.suppress(OSError):
            while found := source.recv(65536):
                if kept:
                    with self._lock:
                        self._sent.append(found)
                sink.sendall(found)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
