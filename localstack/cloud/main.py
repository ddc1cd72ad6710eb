"""MiniStack with the features of AWS that Millrace needs and unmodified MiniStack lacks. Listens on
127.0.0.1:$GATEWAY_PORT until SIGTERM, then saves its state."""

import asyncio
import os
import signal
import threading
import traceback

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app

import bodies
import buckets
import calls
import delivery
import gate
import limits
import mappings
import metrics
import preflight
import shards
import table_streams

CLEAN = os.path.join(os.environ["STATE_DIR"], "clean")  # exists while the saved state is complete
FLUSH_SECONDS = 30

save_services = app.save_all


def save_everything(services):
    """Runs on the server's event loop when it ends. Flushes the delivery streams, in a thread because that needs an event loop
    of its own, then saves."""
    flusher = threading.Thread(target=delivery.flush_all, daemon=True)
    flusher.start()
    flusher.join(FLUSH_SECONDS)
    save_services(services)
    with open(CLEAN, "w") as file:
        file.write("saved\n")


async def run():
    stopping = asyncio.Event()

    def stop():
        mappings.freeze()  # before invocations fail because the server is closing
        stopping.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop)
    config = Config()
    config.bind = [f"127.0.0.1:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    await serve(app.app, config, shutdown_trigger=stopping.wait)


if __name__ == "__main__":
    app.save_all = save_everything
    for overlay in (bodies, buckets, calls, delivery, gate, limits, mappings, metrics, preflight, shards, table_streams):
        overlay.install()
    if os.path.exists(CLEAN):
        os.remove(CLEAN)
    try:
        asyncio.run(run())
    except Exception:
        traceback.print_exc()  # the process ends below, before Python would print it
    finally:
        os._exit(0)  # the state is saved, and threads of invocations may never end
