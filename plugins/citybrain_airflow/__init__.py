"""What the DAGs share: clocks, work, retries, the wait for due partitions, alerts.

Airflow puts ``plugins/`` on the path of every one of its processes, so the triggerer finds the trigger here too.
Nothing heavy is imported with these modules: they are read at every parse of every DAG file.
"""
