"""Every environment variable, typed, in one place; secrets may be files."""

from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

# Where containers are given their secrets: a file for each, called like its variable in lower case.
SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """Read from variables that begin with ``CULTIVAR_``; every default suits a single machine."""

    model_config = SettingsConfigDict(env_prefix="CULTIVAR_", extra="ignore")

    database_url: str | None = Field(
        default=None,
        repr=False,
        description="SQLAlchemy URL of Postgres (postgresql+psycopg://...)",
    )
    redis_url: str | None = Field(
        default=None, repr=False, description="URL of the Redis that carries wakes"
    )
    home: Path = Field(
        default=Path(".cultivar"), description="directory of exports, keys and embedded servers"
    )
    master_key: SecretStr | None = Field(
        default=None,
        description="base64 of 32 bytes that seal teacher keys; else HOME/master.key is made",
    )
    previous_master_key: SecretStr | None = Field(
        default=None,
        description="the master key before it, until `cultivar rotate-master-key` is through",
    )
    model: str | None = Field(
        default=None, description="model of the teacher made from OPENAI_API_KEY"
    )
    input_usd_per_million: Decimal | None = Field(
        default=None, ge=0, description="its price in US dollars per million tokens read"
    )
    output_usd_per_million: Decimal | None = Field(
        default=None, ge=0, description="its price in US dollars per million tokens written"
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="OPENAI_API_KEY",
        description="key of the teacher that `demo` and `generate` use",
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias="OPENAI_BASE_URL",
        description="where that teacher is, when it is not OpenAI's own",
    )
    hub_endpoint: str = Field(
        default="https://huggingface.co", description="hub that exports are pushed to"
    )
    hub_token: SecretStr | None = Field(
        default=None, description="token of that hub, which may write to its repositories"
    )
    s3_endpoint: str | None = Field(
        default=None, description="S3-compatible store that exports are pushed to; else AWS"
    )
    demo_teacher_url: str | None = Field(
        default=None, description="base URL of a demo teacher that the dashboard offers to try"
    )
    teacher_networks: str = Field(
        default="127.0.0.0/8,::1",
        description="private networks, addresses, hosts or host:port where teachers may be, "
        "separated by commas",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="OpenTelemetry collector for spans (http/protobuf); needs the extra otel",
    )
    lease_s: float = Field(
        default=45.0, gt=0, description="seconds without a heartbeat after which a worker is dead"
    )
    heartbeat_s: float = Field(default=10.0, gt=0, description="seconds between heartbeats")
    sweep_s: float = Field(default=10.0, gt=0, description="seconds between sweeps")
    slice_s: float = Field(
        default=120.0, gt=0, description="seconds that a generate worker stays with one job"
    )
    batch_requests: int = Field(
        default=10_000, gt=0, le=50_000, description="calls in one batch, at most"
    )
    batch_mib: int = Field(default=90, gt=0, description="size of one batch's file, at most")
    batch_poll_s: float = Field(
        default=30.0,
        gt=0,
        description="seconds before a batch is looked at again; each wait doubles, up to 600",
    )
    read_limit_s: float = Field(
        default=60.0, gt=0, description="seconds in which a worker must have read what it stored"
    )
    novelty_memory_mib: int = Field(
        default=2048, gt=0, description="memory for pool indexes in one admit worker"
    )
    retain_replies_days: float = Field(
        default=30.0, ge=0, description="days that raw replies of teachers are kept; 0 is for ever"
    )
    retain_exports_days: float = Field(
        default=0.0, ge=0, description="days that exports are kept; 0 is for ever"
    )
    retain_keys_days: float = Field(
        default=7.0, ge=1, description="days that idempotency keys are kept"
    )
    database_pool_size: int = Field(default=10, gt=0, description="connections per process")
    base_models: str = Field(
        default="",
        description="directories of base models for training runs, separated by colons",
    )
    train_python: Path | None = Field(
        default=None, description="Python with the training libraries; else that of .venv-train"
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    default_cap_micro_usd: int | None = Field(
        default=None, description="budget of a job that names none, in micro-USD"
    )
    max_upload_mib: int = Field(default=100, gt=0, description="largest upload accepted")
    port: int = Field(default=8000, description="port of the API of the embedded service")
    access: Literal["local", "deployed", "open"] = Field(
        default="local",
        description="who may come in: by the token in HOME (local), by API keys alone (deployed), "
        "or everybody on this machine (open)",
    )
    hosts: str = Field(
        default="",
        description="names under which people reach the service, beside localhost, by commas",
    )
    behind_tls_proxy: bool = Field(
        default=False, description="a proxy ends TLS, so plain HTTP may come from elsewhere"
    )
    requests_per_minute: int = Field(
        default=6000,
        gt=0,
        description="requests a minute of an API key that has no rate of its own",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, else the environment, else the secrets' files where there are any."""
        if not SECRETS.is_dir():
            return init_settings, env_settings
        files = SecretsSettingsSource(settings_cls, secrets_dir=SECRETS)
        return init_settings, env_settings, files

    def secrets(self) -> list[str]:
        """What no log may show, whoever quotes it."""
        hidden = (self.master_key, self.previous_master_key, self.openai_api_key)
        passwords = (urlsplit(url or "").password for url in (self.database_url, self.redis_url))
        known = [*(each.get_secret_value() for each in hidden if each), *passwords]
        return [each for each in known if each]
