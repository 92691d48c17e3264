"""Settings of every mode: one code path, sized by environment variables alone (design section 5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_stubs_ext
import structlog

from apps.common import logs
from apps.embedded import address

from .env import BASE_DIR, env, hosts, secret

django_stubs_ext.monkeypatch()

# --- where this installation lives ----------------------------------------------------------------
DATA_FOLDER = address.data_folder(env.str("AFTERCAST_DATA", default=""), checkout=BASE_DIR)
CONFIGURED_URL: str = env.str("AFTERCAST_URL", default="").rstrip("/")
PUBLIC_URL: str = CONFIGURED_URL or "http://127.0.0.1:8000"
DEBUG = False
CONFIGURED_SECRET_KEY: str = secret("AFTERCAST_SECRET_KEY")
SECRET_KEY = CONFIGURED_SECRET_KEY or address.secret_key(DATA_FOLDER)
ALLOWED_HOSTS: list[str] = hosts(PUBLIC_URL, env.list("AFTERCAST_ALLOWED_HOSTS", default=[]))

# --- database and broker --------------------------------------------------------------------------
DATABASE_URL: str = secret("DATABASE_URL") or address.database_url(DATA_FOLDER)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db_url_config(DATABASE_URL),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,  # a restarted database heals without a restart of ours
        "OPTIONS": {"connect_timeout": 5, "options": "-c timezone=UTC"},
    }
}
BROKER_URL: str = secret("BROKER_URL")  # empty: queues live in the same PostgreSQL (config.celery)

# --- applications ---------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
    "django.forms",
    "django_htmx",
    "csp",
    "axes",
    "apps.common",
    "apps.ui",
    "apps.embedded",
    "apps.audit",
    "apps.accounts",
    "apps.notices",
    "apps.catalog",
    "apps.telemetry",
    "apps.alerts",
    "apps.incidents",
    "apps.evaluation",
    "apps.features",
    "apps.actions",
    "apps.postmortems",
    "apps.insights",
    "apps.impact",
    "apps.dashboards",
    "apps.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.ui.middleware.QueryCountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it turns a locked-out sign-in into its answer
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # a redirect would turn a client's POST into a GET
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.ui.context.frame",
            ]
        },
    }
]
FORM_RENDERER = "apps.ui.forms.Renderer"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "dashboards:home"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}
STATIC_URL = "/static/"
STATIC_ROOT = DATA_FOLDER / "static"
WHITENOISE_USE_FINDERS = True
AUTH_USER_MODEL = "accounts.User"
POSTMORTEM_MODEL = "postmortems.Postmortem"  # what an action may follow from
ACTION_VERDICTS = "apps.impact.directory.outcomes"  # how the list of actions learns what was measured
INSIGHT_DIRECTORY = "apps.insights.directory"  # how rooms below insights let somebody choose one
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "apps.accounts.validators.MaximumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "apps.accounts.backends.LocalAccounts"]
PASSWORD_RESET_TIMEOUT = 3600 * 4
SESSION_COOKIE_AGE = 3600 * 24 * 14

# --- who guesses passwords waits: by name and address together, so that nobody locks others out ---
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the wait that was told is the wait
AXES_USERNAME_CALLABLE = "apps.accounts.backends.name_for_lock"
AXES_CLIENT_IP_CALLABLE = "apps.accounts.backends.address_for_lock"
AXES_LOCKOUT_CALLABLE = "apps.accounts.views.signing.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

# --- mail: without a server it is kept as files, so that nothing is lost ---------------------------
MAIL_URL: str = secret("AFTERCAST_MAIL_URL")
DEFAULT_FROM_EMAIL: str = env.str("AFTERCAST_MAIL_FROM", default="aftercast@localhost")
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH: str | None = str(DATA_FOLDER / "mail")
EMAIL_TIMEOUT = 20
if MAIL_URL:
    globals().update({"EMAIL_FILE_PATH": None} | env.email_url_config(MAIL_URL))

TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-gb"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 2**20  # Parquet bodies at the historical door
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a step of a review has up to 300 rows of six fields, and citations

# --- trackers: hosts inside this machine or its network that administrators may name ---------------
TRACKER_HOSTS: list[str] = env.list("AFTERCAST_TRACKER_HOSTS", default=[])

# --- transport security: on whenever the public address is https ----------------------------------
HTTPS = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = HTTPS
# The stock SDK posts here; a redirect would turn its POST into a GET. The proxy in front ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^feast/", r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"

# --- HTTP API -------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.common.strict_json.StrictJSONParser"],
    "EXCEPTION_HANDLER": "apps.common.problems.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Aftercast",
    "DESCRIPTION": "What incidents taught, as versioned features for detectors.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "IncidentKindEnum": "apps.incidents.codes.Kind",
        "IncidentStateEnum": "apps.incidents.codes.State",
        "LabelKindEnum": "apps.telemetry.models.OutcomeLabel.Kind",
        "ActionKindEnum": "apps.actions.models.choices.Kind",
        "ShadowMetricEnum": "apps.insights.models.shadowing.ShadowRun.Metric",
        "ActionMetricEnum": "apps.actions.models.choices.Metric",
        "TrackerKindEnum": "apps.actions.models.trackers.Tracker.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.add_plain_views",
    ],
}

# --- Celery ---------------------------------------------------------------------------------------
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_LOST_WAIT = 1.0  # a killed child keeps its slot that long; ten seconds by default
CELERY_TASK_TIME_LIMIT = 330  # chunks take at most five minutes; the broker's visibility timeout stays above
CELERY_TASK_SOFT_TIME_LIMIT = 300
OUTBOX_HINTS = True  # tell a worker after each commit; without it beat finds the rows
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # a queue table for every worker that ever was
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60.0  # a pool process loads Feast before it is alive
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: the database may be away for long
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep-outbox": {"task": "audit.drain", "schedule": 2.0, "options": {"expires": 10}},
    "worker-heartbeat": {"task": "audit.heartbeat", "schedule": 5.0, "options": {"expires": 10}},
    "read-shadow-runs": {"task": "insights.shadow", "schedule": 900.0, "options": {"expires": 600}},
    # Hourly, since a day is ready when its samples and labels are; what was read is not read again.
    "watch-insights": {"task": "impact.watch", "schedule": 3600.0, "options": {"expires": 1800}},
    "quarantine-labels": {"task": "telemetry.quarantine", "schedule": 3600.0, "options": {"expires": 1800}},
    "expire-insights": {"task": "insights.expire", "schedule": 5.0, "options": {"expires": 30}},
    "remind-owners": {"task": "actions.remind", "schedule": 3600.0, "options": {"expires": 1800}},
    "measure-due-actions": {"task": "impact.measure_due", "schedule": 3600.0, "options": {"expires": 1800}},
    "reevaluate-quarter": {"task": "impact.reevaluate", "schedule": 21600.0, "options": {"expires": 3600}},
    "reconcile-features": {"task": "features.reconcile", "schedule": 600.0, "options": {"expires": 300}},
    "sync-issues-again": {"task": "actions.sync_issues", "schedule": 60.0, "options": {"expires": 50}},
    "mail-again": {"task": "notices.try_parked_again", "schedule": 600.0, "options": {"expires": 300}},
    "refresh-service-history": {
        "task": "incidents.refresh_history",
        "schedule": 3600.0,  # counts of the last days change by the clock; only changed facts are pushed
        "options": {"expires": 600},
    },
    "forget-old-answers": {"task": "audit.forget_answers", "schedule": 3600.0, "options": {"expires": 600}},
}

# --- what lower rooms call in upper ones, by name -------------------------------------------------
DEMO_LOADER = "apps.demo.loading.load"
DEMO_SETTLED = "apps.demo.loading.settled"
# Functions of a request that give the template of every page more to show.
FRAME_EXTRAS: list[str] = [
    "apps.accounts.frame.rights",
    "apps.notices.frame.unread",
    "apps.demo.frame.banner",
]
# A function that names the people of a demo, for the sign-in page; nobody outside a demo.
DEMO_CAST = "apps.demo.cast.people"
# Functions of `person_id` that a worker calls after an account was closed.
PERSON_DEACTIVATED: list[str] = ["apps.actions.reminders.owner_left"]
FIRST_ADMIN_LINK = "apps.accounts.invitations.first_admin_link"
PRELOAD = ("apps.features.definitions", "apps.features.feast_store", "apps.features.vectors")
WARM_UP = "apps.features.store.warm_up"
WARM_UP_IN_BACKGROUND = "apps.features.store.warm_up_in_background"

# --- Feast ----------------------------------------------------------------------------------------
FEAST_PROJECT = "aftercast"

# --- crash tests: a folder of armed fail-points; empty in every real installation -----------------
FAILPOINT_FOLDER: str = env.str("AFTERCAST_FAILPOINTS", default="")
# Switched off only to show that the crash tests notice; a real installation cannot.
IDEMPOTENCY_GUARD: bool = env.bool("AFTERCAST_IDEMPOTENCY_GUARD", default=True) or not FAILPOINT_FOLDER

# --- logs -----------------------------------------------------------------------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": logs.MaskingFormatter,
            "inner": structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer()),
        },
    },
    "filters": {"quiet_health": {"()": logs.QuietHealth}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["quiet_health"]}
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"aftercast": {"level": "INFO"}, "apps": {"level": "INFO"}},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
