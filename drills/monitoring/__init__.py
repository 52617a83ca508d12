"""The real Prometheus and Alertmanager beside a running system, and drawings of the dashboards' panels."""
