"""The sender process reads the machine's certificates once in each thread, and never shares a context between two."""

import subprocess
import sys

SCRIPT = """
import ssl, threading
from alerts.senders.sender_process import keep_trust_store
keep_trust_store()
mine = ssl.create_default_context()
assert ssl.create_default_context() is mine, "read again in the same thread"
assert ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) is not mine, "another purpose is another context"
others = []
thread = threading.Thread(target=lambda: others.append(ssl.create_default_context()))
thread.start(); thread.join()
assert others[0] is not mine, "shared between threads"
assert mine.verify_mode is ssl.CERT_REQUIRED and mine.check_hostname, "verification is as before"
"""


def test_contexts_are_kept_by_thread_and_still_verify() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
