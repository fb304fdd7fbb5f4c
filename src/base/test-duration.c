// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include "base/clock.h"
#include "base/test-util.h"

static void test_good(void **state _unused_) {
	static const struct {
		const char *text;
		struct duration d;
		const char *printed;
	} good[] = {
		{"P30D", {.days = 30}, "P30D"},
		{"P1Y2M", {.years = 1, .months = 2}, "P1Y2M"},
		{"P1Y2M3D", {.years = 1, .months = 2, .days = 3}, "P1Y2M3D"},
		{"P1Y3D", {.years = 1, .days = 3}, "P1Y3D"},
		{"P2W", {.days = 14}, "P14D"},
		{"P52285W", {.days = 365995}, "P365995D"},
		{"PT36H", {.seconds = 36 * 3600}, "PT36H"},
		{"PT1M", {.seconds = 60}, "PT1M"},
		{"P1M", {.months = 1}, "P1M"},
		{"PT90M", {.seconds = 5400}, "PT1H30M"},
		{"PT1H1M1S", {.seconds = 3661}, "PT1H1M1S"},
		{"PT1H1S", {.seconds = 3601}, "PT1H1S"},
		{"P7DT12H", {.days = 7, .seconds = 43200}, "P7DT12H"},
		{"P1DT1S", {.days = 1, .seconds = 1}, "P1DT1S"},
		{"P0D", {0}, "P0D"},
		{"PT0S", {0}, "P0D"},
		{"P0Y1D", {.days = 1}, "P1D"},
		{"P007D", {.days = 7}, "P7D"},
		{"P1000Y12000M366000D", {1000, 12000, 366000, 0}, "P1000Y12000M366000D"},
		{"PT31622400000S", {.seconds = 31622400000}, "PT8784000H"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct duration d = {0}, again = {0};
		char text[DURATION_TEXT_MAX], text_again[DURATION_TEXT_MAX];
		if (duration_parse(good[i].text, &d, NULL) < 0)
			fail_msg("%s", good[i].text);
		assert_int_equal(d.years, good[i].d.years);
		assert_int_equal(d.months, good[i].d.months);
		assert_int_equal(d.days, good[i].d.days);
		assert_int_equal(d.seconds, good[i].d.seconds);
		assert_string_equal(duration_print(&d, text), good[i].printed);
		// What is printed means the same.
		assert_int_equal(duration_parse(text, &again, NULL), 0);
		assert_string_equal(duration_print(&again, text_again), text);
	}
}

static void test_bad(void **state _unused_) {
	static const char *const bad[] = {"", "P", "PT", "P1", "1D", "30", "p30d", "P30d", "P1YT", "PT1", "P1D1D", "P1M1Y", "P1D1Y",
		"PT1S1H", "PT1D", "P1H", "P1S", "P1W1D", "P1Y1W", "P1DT1W", "P1WT1H", "-P1D", "P-1D", "+P1D", "P+1D", "P1.5D", "PT0.5S",
		"P1,5D", " P1D", "P1D ", "P 1D", "P1 D", "PP1D", "P1DTT1H", "P1D\n", "P1001Y", "P12001M", "P366001D", "P52286W",
		"PT8784001H", "PT527040001M", "PT31622400001S", "P99999999999999999999D", "P9223372036854775808D", "P1Dx", "P\xd9\xa1\x44",
		"P2027-01-01"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct duration d = {.days = 42};
		struct err err = {0};
		if (duration_parse(bad[i], &d, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.status, 400);
		assert_string_equal(err.code, "BadParameter");
		assert_int_equal(d.days, 42);
	}
}

static void adds(const char *from, const char *text, int sign, const char *wanted) {
	struct duration d;
	int64_t t;
	char out[CLOCK_RFC3339_MAX];
	assert_int_equal(clock_parse(from, &t), 0);
	assert_int_equal(duration_parse(text, &d, NULL), 0);
	assert_string_equal(clock_rfc3339(duration_add(t, &d, sign), out), wanted);
}

static void test_calendar(void **state _unused_) {
	adds("2026-11-22T10:11:12Z", "P1Y2M", 1, "2028-01-22T10:11:12Z");
	adds("2026-11-22T10:11:12Z", "PT36H", 1, "2026-11-23T22:11:12Z");
	adds("2026-11-22T10:11:12Z", "P0D", 1, "2026-11-22T10:11:12Z");
	// Clipped to the end of the month, which depends on the year.
	adds("2027-01-31T00:00:00Z", "P1M", 1, "2027-02-28T00:00:00Z");
	adds("2028-01-31T00:00:00Z", "P1M", 1, "2028-02-29T00:00:00Z");
	adds("2028-02-29T23:59:59Z", "P1Y", 1, "2029-02-28T23:59:59Z");
	adds("2028-02-29T23:59:59Z", "P4Y", 1, "2032-02-29T23:59:59Z");
	adds("2096-02-29T00:00:00Z", "P4Y", 1, "2100-02-28T00:00:00Z");
	adds("2027-05-31T00:00:00Z", "P1M", 1, "2027-06-30T00:00:00Z");
	adds("2027-12-31T00:00:00Z", "P2M", 1, "2028-02-29T00:00:00Z");
	// Months before days: one month after January 31 is February 28, and a day later.
	adds("2027-01-31T00:00:00Z", "P1M1D", 1, "2027-03-01T00:00:00Z");
	adds("2027-02-27T00:00:00Z", "P1M1DT1H", 1, "2027-03-28T01:00:00Z");
	// Backwards.
	adds("2027-03-31T06:00:00Z", "P1M", -1, "2027-02-28T06:00:00Z");
	adds("2027-01-15T06:00:00Z", "P2M", -1, "2026-11-15T06:00:00Z");
	adds("2027-03-01T00:00:00Z", "P1D", -1, "2027-02-28T00:00:00Z");
	adds("2027-01-01T00:00:00Z", "P7DT1S", -1, "2026-12-24T23:59:59Z");
	// The ends of the calendar.
	adds("1970-01-02T00:00:00Z", "P2D", -1, "1970-01-01T00:00:00Z");
	adds("2026-11-22T00:00:00Z", "P1000Y12000M", -1, "1970-01-01T00:00:00Z");
	adds("2026-11-22T00:00:00Z", "P1000Y", -1, "1970-01-01T00:00:00Z");
	adds("9999-12-31T00:00:00Z", "P1D", 1, "9999-12-31T23:59:59Z");
	adds("9999-01-01T00:00:00Z", "P1000Y12000M366000DT31622400000S", 1, "9999-12-31T23:59:59Z");
	const struct duration nothing = {0}, day = {.days = 1};
	assert_int_equal(duration_add(-5, &nothing, 1), 0);
	assert_int_equal(duration_add(INT64_MIN, &day, -1), 0);
	assert_int_equal(duration_add(INT64_MAX, &day, 1), 253402300799);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_calendar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
