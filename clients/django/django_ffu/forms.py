"""Refused files as errors of forms."""

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction

from .fields import FileField, Upload, is_sent


def refusal(error):
    """The ValidationError of an IntegrityError by which ffu refused a file, else None. Its code is the
    constraint, for example ffu_content; its message is for people."""
    diag = getattr(error.__cause__, "diag", None)
    constraint = getattr(diag, "constraint_name", None) or ""
    return ValidationError(diag.message_primary, constraint) if constraint.startswith("ffu_") else None


class TakenBack(Exception):
    """Ends the trial of a form."""


class ModelForm(forms.ModelForm):
    """A form that shows every refused file at its field, also one whose content contradicts its name: the
    database is asked in a savepoint, which is taken back. ModelAdmin takes the class as its form."""

    def _post_clean(self):
        super()._post_clean()
        for field in self.instance._meta.local_concrete_fields:
            if isinstance(field, FileField) and field.name in self.fields and field.name not in self.errors:
                value = self.instance.__dict__.get(field.attname)
                if is_sent(value):
                    self.try_file(field, value)

    def try_file(self, field, value):
        model = type(self.instance)._meta.concrete_model
        using = self.instance._state.db or router.db_for_write(model)
        try:
            with transaction.atomic(using):
                # Neither statement sends signals.
                if self.instance._state.adding:
                    trial = model(**{field.attname: value})
                    model._base_manager.using(using).bulk_create([trial])
                else:
                    model._base_manager.using(using).filter(pk=self.instance.pk).update(**{field.name: Upload(value)})
                raise TakenBack
        except (TakenBack, ValueError):
            pass
        except IntegrityError as error:
            # The rest of the row is not judged here.
            refused = refusal(error)
            if refused:
                self.add_error(field.name, refused)
        finally:
            value.seek(0)
