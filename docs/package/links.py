"""The build of the package: absolute links on its page at the package index.

setuptools calls `EggInfo`, as `pyproject.toml` says. The one setting is `repository` in its table
`tool.skmlp`. If empty, the README is taken as it is, and the package has no links.
"""

import re
import tomllib
from pathlib import Path

from setuptools.command.egg_info import egg_info

FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
RELATIVE = r"(?![a-z]+:|#)"
PICTURE = re.compile(rf'(!\[[^\]]*\]\(|\bsrc="|\bsrcset="){RELATIVE}')
LINK = re.compile(rf'(\]\(|\bhref="){RELATIVE}')


def tag_of(version: str) -> str:
    """Return the tag of a release, or for a version under development the newest commit."""
    return "HEAD" if ".dev" in version else f"v{version}"


def project_urls(repository: str, version: str) -> dict[str, str]:
    """Return the links next to the long description."""
    return {
        "Source": repository,
        "Documentation": f"{repository}#documentation",
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/{tag_of(version)}/CHANGELOG.md",
    }


def with_absolute_links(text: str, repository: str, version: str) -> str:
    """Return Markdown whose links and pictures lead into the repository, but not in its code."""
    tag = tag_of(version)
    parts = FENCED.split(text)
    for i, part in enumerate(parts[::2]):
        pictures = PICTURE.sub(rf"\1{repository}/raw/{tag}/", part)
        parts[2 * i] = LINK.sub(rf"\1{repository}/blob/{tag}/", pictures)
    return "".join(parts)


class EggInfo(egg_info):
    """Write the metadata of the package, with links if `repository` is set."""

    def finalize_options(self) -> None:
        """Put the links into the metadata."""
        super().finalize_options()
        with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
            repository = tomllib.load(file)["tool"]["skmlp"]["repository"].rstrip("/")
        if repository:
            about = self.distribution.metadata
            about.project_urls = project_urls(repository, about.version)
            about.long_description = with_absolute_links(
                about.long_description, repository, about.version
            )
