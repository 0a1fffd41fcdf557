"""``vertexai://PROJECT/LOCATION``: MLflow's tracking and registry stores over Vertex AI."""
