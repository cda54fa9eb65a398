"""`make bench`: every speed as a ratio, measured side by side in one run."""

from __future__ import annotations

from tests.benchmarks import (
    bench_catalog,
    bench_cog,
    bench_conditioning,
    bench_fire_weather,
    bench_flood_product,
    bench_ground_motion,
    bench_latency,
    bench_service,
    bench_shakemap,
    bench_shaking,
    bench_sources,
    bench_tiles,
)


def main() -> None:
    """Run all benchmarks one after the other."""
    bench_fire_weather.main()
    bench_ground_motion.main()
    bench_sources.main()
    bench_conditioning.main([])
    bench_shaking.main()
    bench_shakemap.main()
    bench_flood_product.main([])
    bench_cog.main([])
    bench_latency.main([])
    bench_service.main([])
    bench_tiles.main([])
    bench_catalog.main([])


if __name__ == "__main__":
    main()
