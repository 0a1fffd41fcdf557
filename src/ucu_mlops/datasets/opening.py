"""A version of any model, opened as scoring would: what does not load must not be in charge."""

from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import Bundle


def open_version(bundle: Bundle) -> object:
    """Open a version.

    Raises:
        BundleError: It is damaged, or no model's.
    """
    if not bundle.manifest.takes_pictures:
        return Predictor(bundle)
    # Pillow and the readers are an extra, which a model of features does without.
    from ucu_mlops.images.model_files import label_set_of, predictor_of  # noqa: PLC0415

    return label_set_of(bundle) if bundle.manifest.kind == "rule" else predictor_of(bundle)
