"""Django in one file, under gunicorn with threads."""

import django
import documents
import truth
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none is needed", MIDDLEWARE=["django.middleware.common.CommonMiddleware"])
django.setup()


def serve(_request, shape, number):
    return HttpResponse(documents.ROUTES[shape](number), content_type="application/json")


urlpatterns = [path("<str:shape>/<int:number>", serve)]
app = get_wsgi_application()
truth.start()
