"""Parameters of an inner model, as a dict that searches can reach into."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator


class InnerParamsMixin(BaseEstimator):
    """Estimator some of whose parameters are dicts: settings of inner models.

    A setting is also a parameter of its own, named like that of a nested estimator:
    ``set_params(network__dropout=0.1)`` sets the entry "dropout" of the dict `network`. The dict is
    replaced, never changed, since other estimators may hold it too.

    A subclass defines `_inner_params`: for each such parameter, the class of the inner model. What
    it decides for an inner model itself is in `_decided_params`: for each such parameter, why.
    """

    _inner_params: ClassVar[dict[str, type]] = {}
    _decided_params: ClassVar[dict[str, dict[str, str]]] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the settings of the inner models as well, such as
            ``network__dropout``, those that are given.

        Returns
        -------
        params : dict
            Values by name.
        """
        params = super().get_params(deep=deep)
        if deep:
            for prefix in self._inner_params:
                for name, value in self._settings(prefix).items():
                    params[f"{prefix}__{name}"] = value
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of the inner models by names such as ``network__dropout``.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If there is no such parameter, or if a parameter of an inner model is given where that
            model is switched off, as by ``trees=False``.
        """
        outer: dict[str, Any] = {}
        inner: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            prefix, _, setting = name.partition("__")
            if setting and prefix in self._inner_params:
                self._check_name(prefix, setting)
                inner.setdefault(prefix, {})[setting] = value
            else:
                outer[name] = value
        for prefix, settings in inner.items():
            if outer.get(prefix, getattr(self, prefix)) is False:
                raise ValueError(
                    f"{prefix}=False, so there is no model for {prefix}__{next(iter(settings))}. "
                    f"Set {prefix}=True as well, or leave that parameter out."
                )
        super().set_params(**outer)
        for prefix, settings in inner.items():
            setattr(self, prefix, {**self._settings(prefix), **settings})
        return self

    def _settings(self, prefix: str) -> dict[str, Any]:
        """Return the settings of an inner model as a dict."""
        settings = getattr(self, prefix)
        return dict(settings) if isinstance(settings, Mapping) else {}

    def _check_settings(self) -> None:
        """Raise ValueError if a setting is no parameter of its inner model, or is decided here."""
        for prefix in self._inner_params:
            for name in self._settings(prefix):
                self._check_name(prefix, name)
                why = self._decided_params.get(prefix, {}).get(name)
                if why is not None:
                    raise ValueError(
                        f"{prefix} has the parameter {name!r}, which cannot be chosen: {why}. "
                        "Leave it out."
                    )

    def _check_name(self, prefix: str, setting: str) -> None:
        model = self._inner_params[prefix]
        valid = model._get_param_names()  # type: ignore[attr-defined]
        if setting not in valid:
            raise ValueError(
                f"Invalid parameter {prefix}__{setting!s} for estimator {type(self).__name__}: "
                f"{model.__name__} has no parameter {setting!r}. Valid are {valid}."
            )
