"""Rankings, estates, companies, the manager's scorecard."""
