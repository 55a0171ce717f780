"""Django: the reports by its own models, on the same database."""

import os

import django
from django.conf import settings
from django.http import JsonResponse

from kept import chance_of, keep, rows

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BENCH_DATABASE"], "CONN_MAX_AGE": None}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402

ORDERS = 16_000


class Order(models.Model):
    id = models.IntegerField(primary_key=True)
    customer = models.TextField()
    note = models.TextField()
    cents = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "orders"
        managed = False


def heavy(request, number):
    chance = chance_of(number)
    count = rows(chance)
    first = chance.randrange(ORDERS - count)
    found = [{"id": order.id, "customer": order.customer, "note": order.note, "cents": order.cents} for order in Order.objects.filter(id__gte=first)[:count]]
    keep(number, [row["note"] for row in found[::200]])
    return JsonResponse({"orders": found, "cents": sum(row["cents"] for row in found)})


def light(request, number):
    order = Order.objects.get(id=number % ORDERS)
    return JsonResponse({"id": order.id, "customer": order.customer, "cents": order.cents})


urlpatterns = [path("heavy/<int:number>", heavy), path("light/<int:number>", light)]
app = get_wsgi_application()
