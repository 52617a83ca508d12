export function SignIn() {
  return (
    <section class="screen">
      <h1>SignIn</h1>
    </section>
  );
}
