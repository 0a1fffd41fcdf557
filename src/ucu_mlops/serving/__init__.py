"""The models over HTTP: one application at the desk, on own hosts and on Vertex AI Prediction."""
