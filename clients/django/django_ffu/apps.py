"""The application: declares file columns after each migration, and refreshes models after each save."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save


class FfuConfig(AppConfig):
    name = "django_ffu"
    verbose_name = "File columns"

    def ready(self):
        from .declare import declare
        from .fields import after_save
        post_migrate.connect(declare, dispatch_uid="django_ffu")
        post_save.connect(after_save, dispatch_uid="django_ffu")
