export function Gallery() {
  return (
    <section class="screen">
      <h1>Gallery</h1>
    </section>
  );
}
