"""A celery worker without a broker to ask: it makes its pool, which is what is looked at."""

import os
import tempfile

from celery import Celery

folder = tempfile.mkdtemp(dir=os.environ["HOOK_FOLDER"])
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
