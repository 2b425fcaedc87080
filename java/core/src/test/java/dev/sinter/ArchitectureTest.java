package dev.sinter;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.properties.HasName;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;

/** The import rules of the house: data flows one way, and only few packages touch native code. */
@AnalyzeClasses(packages = "dev.sinter", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final DescribedPredicate<HasName> VECTOR =
      nameMatching("jdk[.]incubator[.]vector[.](\\w*Vector|VectorMask)");

  @ArchTest static final ArchRule tensorStandsAlone = mayImport("dev.sinter.tensor..");

  @ArchTest
  static final ArchRule runtimeStandsAlone =
      mayImport("dev.sinter.runtime..", "dev.sinter.bindings.sinter..");

  @ArchTest
  static final ArchRule checkpointReadsTensors =
      mayImport("dev.sinter.checkpoint..", "dev.sinter.tensor..", "dev.sinter.runtime..");

  @ArchTest
  static final ArchRule compressWorksOnTensors =
      mayImport("dev.sinter.compress..", "dev.sinter.tensor..", "dev.sinter.runtime..");

  @ArchTest
  static final ArchRule backendsKnowNoLayers =
      mayImport(
          "dev.sinter.backend..",
          "dev.sinter.tensor..",
          "dev.sinter.layout..",
          "dev.sinter.runtime..",
          "dev.sinter.bindings..");

  @ArchTest
  static final ArchRule layersKnowTheContractsOnly =
      noClasses()
          .that()
          .resideInAPackage("dev.sinter.layer..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.sinter.backend.*..",
              "dev.sinter.bindings..",
              "dev.sinter.checkpoint..",
              "dev.sinter.compress..");

  @ArchTest
  static final ArchRule fewTouchTheBindings =
      classes()
          .that()
          .resideInAPackage("dev.sinter.bindings..")
          .should()
          .onlyBeAccessed()
          .byAnyPackage(
              "dev.sinter.bindings..",
              "dev.sinter.backend.onednn..",
              "dev.sinter.backend.cpu..",
              "dev.sinter.backend.cuda..",
              "dev.sinter.runtime..");

  @ArchTest
  static final ArchRule onlyTheVectorBackendUsesTheVectorApi =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.sinter.backend.vector..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("jdk.incubator.vector..");

  /** Where a method of ours is not inlined, a vector that it takes or returns goes to the heap. */
  @ArchTest
  static final ArchRule noMethodTakesOrReturnsVectors =
      noMethods()
          .should()
          .haveRawReturnType(VECTOR)
          .orShould()
          .haveRawParameterTypes(anyElementThat(VECTOR));

  @ArchTest
  static final ArchRule backendsDoNotKnowEachOther =
      slices().matching("dev.sinter.backend.(*)..").should().notDependOnEachOther();

  /** Asking for another engine than the CPU's deadlocks without OpenCL: one place creates it. */
  @ArchTest
  static final ArchRule onePlaceMakesTheOneDnnEngine =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName("dev.sinter.backend.onednn.OneDnn")
          .and()
          .resideOutsideOfPackage("dev.sinter.bindings..")
          .should()
          .callMethodWhere(target(nameMatching("dnnl_engine_create|dnnl_engine_get_count")));

  private static ArchRule mayImport(String from, String... allowed) {
    String[] all = Arrays.copyOf(allowed, allowed.length + 1);
    all[allowed.length] = from;
    return classes()
        .that()
        .resideInAPackage(from)
        .should()
        .onlyDependOnClassesThat(not(resideInAPackage("dev.sinter..")).or(resideInAnyPackage(all)))
        .because("imports follow the flow of data");
  }
}
