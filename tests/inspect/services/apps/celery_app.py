"""Celery, forked workers. Run as a program it puts tasks into the queue: `celery_app.py SHAPE FIRST COUNT`."""

import os
import sys

import documents
import truth
from celery import Celery, signals

FOLDER = os.environ["SERVICE_FOLDER"]
BROKER = os.environ["SERVICE_BROKER"]
# A worker has one task at a time: that of a batch is as large as what a server does with several threads.
BATCH = 12
app = Celery("celery_app", broker=BROKER)
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_prefetch_multiplier = 1
app.conf.task_ignore_result = True
if BROKER.startswith("filesystem"):
    queue = f"{FOLDER}/queue"
    app.conf.broker_transport_options = {"data_folder_in": queue, "data_folder_out": queue, "control_folder": f"{FOLDER}/control", "polling_interval": 0.02}


@signals.worker_process_init.connect
def begin(**_):
    truth.start()


@app.task
def serve(shape, number):
    if shape == "leak":
        documents.leak(number)
    else:
        documents.ROUTES[shape](number, BATCH)
    # Short lines that are appended are written whole.
    with open(f"{FOLDER}/done", "a") as file:
        file.write(f"{number}\n")


def main(shape, first, count):
    for number in range(int(first), int(first) + int(count)):
        serve.delay(shape, number)


if __name__ == "__main__":
    main(*sys.argv[1:])
