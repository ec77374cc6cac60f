//! Random numbers, and random times.

/// xorshift64*: the same seed gives the same statements.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// 0 … n - 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// A time as SQL: mostly recent, some late, some in the future, some on a bucket's edge, some that belong to no bucket.
    pub fn time(&mut self) -> String {
        let minutes =
            |range: u64, random: &mut Random| format!("now() - interval '{} seconds'", random.below(range * 60));
        match self.below(100) {
            0..45 => minutes(90, self),
            45..65 => minutes(2 * 24 * 60 + 120, self),
            65..80 => minutes(40 * 24 * 60, self),
            80..86 => format!("now() + interval '{} seconds'", self.below(2 * 86_400)),
            86..92 => format!(
                "date_trunc('{}', now(), 'UTC') - interval '{} hours'",
                self.pick(&["hour", "day", "month"]),
                self.below(30)
            ),
            92..95 => format!(
                "date_trunc('hour', now(), 'UTC') - interval '{} hours' - interval '1 microsecond'",
                self.below(72)
            ),
            _ => (*self.pick(&[
                "null",
                "'infinity'",
                "'-infinity'",
                "'1850-06-01 00:00+00'",
                "'2400-01-01 00:00+00'",
                "'294276-12-31 23:59:59+00'",
                "'4713-01-01 00:00+00 BC'",
            ]))
            .to_owned(),
        }
    }

    /// A condition that a few rows of a table meet.
    pub fn some<const N: usize>(&mut self, table: &str) -> String {
        format!(
            "id in (select id from {table} order by id % 13, id offset {} limit {})",
            self.below(60),
            1 + self.below(N as u64)
        )
    }
}
