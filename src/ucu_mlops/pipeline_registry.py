"""The names under which `kedro run --pipeline=…` finds what to run."""

from kedro.pipeline import Pipeline

from ucu_mlops.pipelines import (
    evaluation,
    experiments,
    features,
    images_evaluation,
    images_release,
    images_simulation,
    images_store,
    images_training,
    monitoring,
    policy,
    release,
    requests,
    scam_coldstart,
    scam_crossvalidation,
    scam_training,
    scoring,
    simulation,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Name every pipeline; plain ``kedro run`` goes from a simulated platform to a queue."""
    named = {
        "simulation": simulation.create_pipeline(),
        "simulation_day": simulation.create_day_pipeline(),
        "features": features.create_pipeline(),
        "features_publishing": features.create_publishing(),
        "scam_coldstart": scam_coldstart.create_pipeline()
        + policy.create_pipeline("scam", "rule", "incumbent"),
        "scam_training": scam_training.create_pipeline()
        + policy.create_pipeline("scam", "candidate", "challenger"),
        "scam_evaluation": evaluation.create_pipeline("scam"),
        "scam_release": release.create_pipeline("scam"),
        "scam_scoring": scoring.create_pipeline("scam"),
        "scam_monitoring": monitoring.create_pipeline("scam"),
        "scam_requests": requests.create_pipeline("scam"),
        "scam_experiments": experiments.create_pipeline("scam"),
        "scam_crossvalidation": scam_crossvalidation.create_pipeline(),
        "scam_comparison": scam_crossvalidation.create_comparison_pipeline(),
        "images_simulation": images_simulation.create_pipeline(),
        "images_simulation_day": images_simulation.create_day_pipeline(),
        "images_store": images_store.create_pipeline(),
        "images_training": images_store.create_pipeline() + images_training.create_pipeline(),
        "images_evaluation": images_evaluation.create_pipeline(),
        "images_coldstart": images_store.create_pipeline() + images_release.create_coldstart(),
        "images_release": images_release.create_pipeline(),
        "images_scoring": scoring.create_pipeline("images"),
        "images_monitoring": monitoring.create_pipeline("images"),
        "images_requests": requests.create_pipeline("images"),
        "images_experiments": experiments.create_pipeline("images"),
    }
    retrain = named["scam_training"] + named["scam_evaluation"] + named["scam_release"]
    daily = named["features"] + named["scam_scoring"] + named["scam_monitoring"]
    judged = named["images_evaluation"] + named["images_release"]
    tuned = named["images_store"] + images_training.create_retraining()
    images_daily = named["images_store"] + named["images_scoring"]
    first_images = named["images_coldstart"] + named["images_training"] + judged
    everything = named["simulation"] + named["scam_coldstart"] + retrain + daily
    return named | {
        "scam_retrain": retrain,
        "scam_daily": daily,
        "images_retrain": tuned + judged,
        "images_daily": images_daily + named["images_monitoring"],
        "images_first": first_images + images_daily + named["images_monitoring"],
        "__default__": everything,
    }
