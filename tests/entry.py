"""How tests come in: a token that everybody knows, put where the service looks for its own."""

from pathlib import Path

from app.domain.api_keys import LOCAL_MARK

TOKEN = LOCAL_MARK + "t" * 43
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


def give_token(home: Path) -> None:
    """Put the token where the service looks, before it starts."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "token"
    path.write_text(TOKEN + "\n", encoding="ascii")
    path.chmod(0o600)
