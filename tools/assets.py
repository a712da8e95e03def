"""Copy the pinned browser libraries out of their wheel into the git-ignored static folders that serve them."""

import importlib.metadata
import pathlib
import shutil

ROOT = pathlib.Path(__file__).parent.parent
WHEEL = "django-htmx"  # a PyPI wheel that carries htmx unchanged; only these two files are used, never its Python code
FILES = {
    "django_htmx/static/django_htmx/htmx-4.min.js": "htmx-4.min.js",
    "django_htmx/static/django_htmx/ext/hx-sse-4.min.js": "hx-sse-4.min.js",
}
TARGETS = ("edge/src/hazgate_edge/terminal/static/vendor",)


def main() -> None:
    """Copy every file to every target; fail loudly if the wheel no longer carries one."""
    distribution = importlib.metadata.distribution(WHEEL)
    for target in TARGETS:
        folder = ROOT / target
        folder.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            path = pathlib.Path(str(distribution.locate_file(source)))
            if not path.is_file():
                raise SystemExit(f"copy {source}: the wheel {WHEEL} {distribution.version} does not carry it")
            shutil.copyfile(path, folder / name)


if __name__ == "__main__":
    main()
