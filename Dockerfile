# Two targets: base (the built-in model and the app) and all (every extra, 7 GB).
FROM python:3.12-slim-bookworm AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 \
    PICFUSE_LIBRARY=/libraries/default XDG_CACHE_HOME=/libraries/.cache HOME=/libraries
COPY pyproject.toml README.md LICENSE NOTICE /src/
COPY data/sample /src/data/sample
COPY indexer /src/indexer
COPY search /src/search
COPY ui /src/ui
RUN pip install /src && useradd --uid 1000 --no-create-home picfuse && \
    mkdir /libraries /pictures && chown 1000 /libraries
HEALTHCHECK --interval=60s --start-period=60s --timeout=15s CMD ["python", "-m", "ui.web.answers", "8501", "8600"]
USER 1000
VOLUME /libraries
EXPOSE 8501 8600
ENTRYPOINT ["picfuse"]
CMD ["--help"]

FROM base AS all
USER 0
RUN pip install '/src[all]'
USER 1000
