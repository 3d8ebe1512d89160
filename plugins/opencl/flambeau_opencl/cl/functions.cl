// Functions that OpenCL C does not have, for floats as type C and for integers as long.

#ifdef FLOATING
// Giles' approximation ("Approximating the erfinv function", 2010), mended by two steps
// of Newton. Near 1 the difference is formed with erfc, which keeps its digits there.
inline C erfinv(C x) {
  const C a = fabs(x);
  if (!(a < 1)) return a == 1 ? x * INFINITY : (C)NAN;
  C w = -log1p(-x * x), p;
  if (w < 5) {
    w = w - (C)2.5;
    p = (C)2.81022636e-08;
    p = (C)3.43273939e-07 + p * w;
    p = (C)-3.5233877e-06 + p * w;
    p = (C)-4.39150654e-06 + p * w;
    p = (C)0.00021858087 + p * w;
    p = (C)-0.00125372503 + p * w;
    p = (C)-0.00417768164 + p * w;
    p = (C)0.246640727 + p * w;
    p = (C)1.50140941 + p * w;
  } else {
    w = sqrt(w) - 3;
    p = (C)-0.000200214257;
    p = (C)0.000100950558 + p * w;
    p = (C)0.00134934322 + p * w;
    p = (C)-0.00367342844 + p * w;
    p = (C)0.00573950773 + p * w;
    p = (C)-0.0076224613 + p * w;
    p = (C)0.00943887047 + p * w;
    p = (C)1.00167406 + p * w;
    p = (C)2.83297682 + p * w;
  }
  C y = p * a;
  for (int i = 0; i < 2; i++) {
    const C off = a > (C)0.5 ? (1 - a) - erfc(y) : erf(y) - a;
    y -= off * (C)0.88622692545275801365 * exp(y * y);
  }
  return copysign(y, x);
}

// The recurrence up to 10, from there the asymptotic series; reflection below 0
// (Abramowitz and Stegun 6.3.5, 6.3.7, 6.3.18).
inline C digamma(C x) {
  if (x == 0) return copysign((C)INFINITY, -x);
  if (x < 0 && x == floor(x)) return NAN;
  C shift = 0;
  if (x < 0) {
    const C part = x - rint(x);  // exact, and small where the tangent is steep
    shift = -(C)3.14159265358979323846 / tan((C)3.14159265358979323846 * part);
    x = 1 - x;
  }
  while (x < 10) {
    shift -= 1 / x;
    x += 1;
  }
  const C z = 1 / (x * x);
  C p = (C)0.083333333333333333;
  p = p * z - (C)0.021092796092796093;
  p = p * z + (C)0.0075757575757575758;
  p = p * z - (C)0.0041666666666666667;
  p = p * z + (C)0.0039682539682539683;
  p = p * z - (C)0.0083333333333333333;
  p = p * z + (C)0.083333333333333333;
  return shift + log(x) - (C)0.5 / x - p * z;
}

// Python's sign rule.
inline C remainder_of(C x, C y) {
  const C r = fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

// Rounds x / y down as if the quotient were exact.
inline C div_floor(C x, C y) {
  if (y == 0) return x / y;
  const C r = fmod(x, y);
  C q = (x - r) / y;
  if (r != 0 && (r < 0) != (y < 0)) q -= 1;
  if (q == 0) return copysign((C)0, x / y);
  const C whole = floor(q);
  return q - whole > (C)0.5 ? whole + 1 : whole;
}
#endif

// -1 is set apart: the least integer divided by it overflows.
inline long int_trunc(long a, long b) { return b == -1 ? (long)(0 - (ulong)a) : a / b; }
inline long int_fmod(long a, long b) { return b == -1 ? 0 : a % b; }
inline long int_floor(long a, long b) {
  const long q = int_trunc(a, b);
  return int_fmod(a, b) != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}
inline long int_remainder(long a, long b) {
  const long r = int_fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
inline long int_pow(long base, long exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    return base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  }
  ulong out = 1, b = (ulong)base;
  for (ulong e = (ulong)exponent; e != 0; e >>= 1, b *= b) {
    if (e & 1) out *= b;
  }
  return (long)out;
}
// Shifts by the width or more, or by less than nothing, leave what all bits leave.
inline long int_left(long a, long b, int bytes) {
  return b < 0 || b >= 8 * bytes ? 0 : (long)((ulong)a << b);
}
inline long int_right(long a, long b, int bytes) {
  return b < 0 || b >= 8 * bytes ? (a < 0 ? -1 : 0) : a >> b;
}
