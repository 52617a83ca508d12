"""What operators run beside Reelworks: rules of Prometheus, dashboards of Grafana."""
