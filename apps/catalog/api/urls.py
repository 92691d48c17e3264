from __future__ import annotations

from django.urls import path

from . import views, windows

urlpatterns = [
    path("services", views.ServicesView.as_view(), name="services"),
    path("vocabularies", views.VocabulariesView.as_view(), name="vocabularies"),
    path("protected-windows", windows.WindowsView.as_view(), name="protected-windows"),
    path("protected-windows/<int:pk>/end", windows.WindowEndView.as_view(), name="protected-window-end"),
]
