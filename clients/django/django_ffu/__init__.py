"""File columns of ffu for Django.

A FileField is a file column: saving a model stores the file in the statement that writes the row, and the
database keeps file and row together. The module writes no file and reads none but the one that is sent.
"""

from .attachments import Attachments, ParentKey, PositionField
from .fields import FileField, SizeField, Stored, TextFactField, Upload, Url
from .forms import ModelForm, refusal

__all__ = ["Attachments", "FileField", "ModelForm", "ParentKey", "PositionField", "SizeField", "Stored", "TextFactField", "Upload", "Url",
           "refusal"]
