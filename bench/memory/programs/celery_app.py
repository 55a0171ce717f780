"""Celery: the reports as tasks. The broker is a folder, so that no server of its own is measured."""

import json
import os
import time
import uuid
from pathlib import Path

from celery import Celery
from kombu.transport.filesystem import Channel
from kombu.utils.json import dumps

import shop

FOLDER = os.environ["BENCH_FOLDER"]


def _put(self, queue, payload, **_):
    """A message appears whole: kombu's own may be read half written."""
    part = Path(self.data_folder_out) / f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue}.part"
    part.write_bytes(dumps(payload).encode())
    part.rename(part.with_suffix(".msg"))


Channel._put = _put
app = Celery("celery_app", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": f"{FOLDER}/queue", "data_folder_out": f"{FOLDER}/queue", "control_folder": f"{FOLDER}/control", "polling_interval": 0.02}
app.conf.broker_connection_retry_on_startup = True
# One task at a time for each worker, as is advised for long ones.
app.conf.worker_prefetch_multiplier = 1
app.conf.task_ignore_result = True


@app.task
def heavy(number):
    done(lambda: json.dumps(shop.report(number)))


@app.task
def light(number):
    done(lambda: json.dumps(shop.one(number)))


def done(work):
    start = time.perf_counter()
    work()
    # Short lines that are appended are written whole.
    with open(f"{FOLDER}/done", "a") as file:
        file.write(f"{(time.perf_counter() - start) * 1000:.3f}\n")
