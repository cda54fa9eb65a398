"""`make bench`: every benchmark, each a ratio against the tool a user would pick instead, measured side by side in one run."""

from __future__ import annotations

from tests.benchmarks import (
    bench_cog,
    bench_fire_weather,
    bench_flood_product,
    bench_ground_motion,
    bench_latency,
    bench_shaking,
)


def main() -> None:
    """Run all benchmarks one after the other."""
    bench_fire_weather.main()
    bench_shaking.main()
    bench_ground_motion.main()
    bench_flood_product.main([])
    bench_cog.main([])
    bench_latency.main([])


if __name__ == "__main__":
    main()
