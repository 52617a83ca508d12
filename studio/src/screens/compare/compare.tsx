export function Compare() {
  return (
    <section class="screen">
      <h1>Compare</h1>
    </section>
  );
}
